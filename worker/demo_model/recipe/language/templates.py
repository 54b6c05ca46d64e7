"""Sentence templates and phrase rules.

A name in braces is replaced by one of its words in lexicon.py, by a number made in numerals.py, or
by a phrase from here; a trailing question mark makes it optional.
"""

PHRASES: dict[str, tuple[str, ...]] = {
    name: tuple(patterns.split())
    for name, patterns in {
        "who": "{person} {name} {team} {name}{title} {city}分公司 {team}的{name} {name}和{name} "
        "{team}的同事 {city}的客户 {name}他们",
        "at": "在{city} 在会议室 在办公室 在{team} 在线上",
        "day": "{date} {date}{part_of_day} {clock} {when} {date}{clock} {part_of_day}",
        "np": "{sys} {doc} {topic} {thing} {noun} {metric} {sys}的{noun} {who}的{noun} "
        "这个{noun} 那个{noun} {count}个{noun} 第{page}个{noun} {city}的{metric} "
        "{noun}和{noun} {quality}的{noun} {noun}的{noun} 今年的{metric} {team}的{doc} "
        "我们的{noun}",
        "vp": "{act}{np} {docact}{doc} {verb}{np} {verb}一下{np} 开会讨论{np} "
        "把{doc}{docact}给{who} 把{np}发给{who} 处理{problem} 解决{problem}的问题 "
        "去{city}出差 参加{part_of_day}的会议 负责{np} 招聘{count}名工程师 "
        "采购{count}台{thing} 通知{who} {act}{sys}的{noun} 请{who}{verb}{np} "
        "给{who}看{np} 和{who}一起{verb}{np} 对{np}不满意 说{np}{ap} {verb}{np}和{np} "
        "完成{np}的{verb} 用{np} 看{np} 到{city}开会 休息一下",
        "ap": "{degree}{adj} {degree}{quality} 太{quality}了 不够{adj} 比{np}{quality} 是{np} "
        "增长了{percent} 是{money}元 高很多 {quality}一点 出现了{problem}",
        "clause": "{who}{day?}{at?}{modal?}{vp} {day}{who}{modal}{vp} {who}{adverb}{vp} "
        "{who}{day?}{adverb?}{modal?}{vp} 请{who}{adverb?}{vp} {np}{day?}{ap} "
        "{np}{adverb?}{ap} {who}觉得{np}{ap} {np}有{np} {who}有{count}个{noun} "
        "{who}不同意{np} {who}已经{verb}了 {day}的{np}{ap} {who}{verb}{np}了 "
        "{who}知道{np}{ap} {who}的{noun}{degree}{quality} {who}已经到了 我{adverb?}{vp} "
        "我们{day?}{vp} {np}需要{count}{measure} 先{vp}再{vp}",
        "free": "{clause}。 {clause}。 {clause}。 {clause}，{clause}。 "
        "如果{clause}，{who}就{vp}。 因为{clause}，所以{clause}。 "
        "{clause}，但是{clause}。 {clause}，因为{clause}。 虽然{clause}，但是{clause}。 "
        "{clause}吗？ 谁{vp}？ 为什么{clause}？ 谁知道{clause}？ {np}是什么？ "
        "{who}什么时候{vp}？ {day}{clause}。 最后{clause}。 首先{clause}。 "
        "{clause}，然后{vp}。 {who}说{clause}。 {who}希望{clause}。 不过{clause}。",
    }.items()
}

TEMPLATES: tuple[str, ...] = tuple(
    """
大家好，我们现在开始开会。
各位同事{part_of_day}好，今天的会议主要讨论{topic}。
今天有{count}个议题，第一个是{topic}，第二个是{topic}。
首先请{name}介绍一下{topic}的情况。
下面请{team}的{name}发言。
{name}，你能听到我说话吗？
{name}，你那边有什么问题吗？
请{name}在{date}之前完成{sys}的{act}。
请{name}在{date}之前把{doc}{docact}给{team}。
{name}负责{act}{sys}，{name}负责{docact}{doc}。
{team}需要{count}个人，时间大概是{count}个星期。
我们的预算是{money}元，目前已经用了{percent}。
{topic}的费用一共是{money}元，比去年少了{percent}。
本季度的{metric}增长了{percent}，超过了我们的预期。
上个月的{metric}下降了{percent}，原因还不清楚。
{metric}从{percent}提高到了{percent}。
{city}分公司的{metric}比{city}高{percent}。
会议决定，{date}开始{act}{sys}。
我们决定采用{name}提出的方案，大家同意吗？
关于{topic}，大家还有什么意见？
这个方案的风险是{problem}，我们必须提前准备。
昨天晚上{sys}出现了{problem}，影响了{count}个小时。
{sys}的{problem}已经解决了，但是还要继续观察。
为什么{sys}会出现{problem}？
如果{problem}，我们就马上通知{team}。
{sys}现在很{adj}，不需要再{act}了。
我觉得这个问题很{adj}，应该马上处理。
{name}{title}，请问{doc}什么时候可以{docact}？
{doc}还没有{docact}，请{name}尽快跟进。
{doc}已经{docact}了，谢谢{name}。
下次会议安排在{date}{clock}，地点在{city}。
下次会议是{date}{clock}，请大家准时参加。
{date}{clock}我们要和{city}的客户开视频会议。
我们计划在{city}招聘{count}名工程师。
采购{count}台{thing}，总价不超过{money}元。
{thing}坏了，请{team}派人来修。
{thing}的价格是{money}元，是不是太贵了？
{team}的{name}下周去{city}出差。
先{act}{sys}，然后再{act}{sys}。
{sys}的{act}工作进展顺利，预计{date}完成。
{sys}的{act}工作推迟了{count}天，因为{problem}。
{sys}和{sys}之间的接口还需要{act}。
我们用{sys}代替了原来的{sys}，效果很好。
{sys}每秒可以处理{money}次请求。
客户希望{date}看到{sys}的演示。
客户对{sys}不满意，要求重新{act}。
{name}，{sys}的{metric}是多少？
谁来负责{sys}的{act}？
我同意{name}的看法，先{act}{sys}比较好。
我不同意，这样做成本太高了。
好的，没有问题，我{date}就{docact}{doc}。
那么我们投票表决，同意的请举手。
这件事情由{name}和{name}共同负责。
请{team}和{team}一起讨论{topic}。
接下来讨论{topic}，时间控制在{count}分钟以内。
时间不多了，我们进入下一个议题。
{name}请假了，由{name}代替他参加会议。
休息{count}分钟，{clock}继续。
最后总结一下，{name}{act}{sys}，{name}{docact}{doc}，截止日期都是{date}。
今天的会议到这里结束，谢谢大家。
会议纪要由{name}整理，{date}发给大家。
散会以后请{name}留一下。
对不起，我刚才网络断了，请再说一遍。
麻烦把声音调大一点，我听不清楚。
第{page}页的{metric}图表有错误，请{name}修改。
请看第{page}页，这是{city}的{metric}。
{percent}的用户选择了{city}，其他人选择了{city}。
我们有{count}个选择，哪个更{adj}？
{adj}的任务先做，{adj}的任务后做。
{topic}是今年最{adj}的工作。
他们的{sys}比我们的{adj}，值得学习。
""".strip().splitlines()
)

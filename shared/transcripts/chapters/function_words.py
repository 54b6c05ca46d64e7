"""Words that name no matter, and what terms of a matter neither begin nor end with.

They stand in for a segmentation into words and for parts of speech.
"""

from __future__ import annotations

_FILLING = """
我们 你们 他们 她们 它们 咱们 大家 人家 自己 别人 这个 那个 这些 那些 这样 那样 这么 那么 这里
那里 这边 那边 这块 那块 哪里 哪个 什么 怎么 怎样 多少 几个 一个 一些 一下 一点 一样 一起 一直
一定 一般 一种 可以 可能 能够 能不能 应该 需要 必须 想要 希望 觉得 认为 知道 了解 没有 不是 不能
不要 不会 不用 不过 不够 还有 还是 还要 就是 只是 只有 只要 但是 可是 而且 而是 或者 因为 所以
如果 虽然 然后 然而 因此 于是 比如 例如 其实 其他 其中 另外 同时 首先 最后 最近 最好 时候 现在
目前 以前 以后 之后 以上 以下 以内 以外 左右 刚才 马上 已经 正在 经常 非常 特别 比较 更加
完全 基本 大概 差不多 主要 重新 所有 每个 许多 很多 谢谢 辛苦 今天 明天 昨天 后天 前天 今年 明年
去年 上午 下午 晚上 早上 中午 星期 上周 下周 本周 这周 那周 每天 每周 本月 月底 年底 接下来 下一
上一 开始 结束 继续 完成 进行 使用 提供 解决 处理 讨论 分析 发现 看到 听到 出来 起来 下来 下去
过来 过去 回来 进来 上来 出去 成为 作为 由于 根据 按照 通过 关于 对于 有点 好像 估计 反正 当然
确实 肯定 真的 那种 这种 的话 来说 意味 包括 属于 变成 提到 说到 讲到 有没有 是不是 要不要
会不会 行不行 好不好 对不对 为了 除了 到底 究竟 终于 从来 至少 至于 甚至 尤其 总共 一共 总是
是否 有些 有的 别的 太多 太高 太大 太少 更多 更高 越来越 直接 间接 同意 发给 交给 看看 说说 想想
试试 聊聊 讲讲 记得 记住 麻烦 请问 不错 好的 可不可以 上面 下面 里面 外面 前面 后面
"""
FILLING = tuple(_FILLING.split())
"""Words that are said of any matter: no term has one of them in it."""

_VAGUE = """
问题 情况 方面 部分 内容 结果 原因 方法 方式 事情 意思 意见 东西 地方 时间 工作 会议 议题 同事
同学 老师 领导 时长 办法 建议 想法 要求 重点 过程 关系 状态 程度 数量 作用 效果 目的 目标 计划
任务 阶段 步骤 情形 人员 事项 样子 名字 主题 话题 议程 小时 分钟 万元 公司 部门 团队 消息 大部分
总结 整理 全部 之类 题目 正题 环节 屏幕 大纲 流程
"""
VAGUE = frozenset(_VAGUE.split())
"""Nouns that fit any meeting, and name none of its matters alone."""

NOT_FIRST = frozenset(
    "的地得了着吗呢吧啊呀么嘛哦嗯哎诶呃哈喔也都就还又再很太更最不没别是有在把被给让跟和与或及而但因若我你他她它"
    "咱您这那哪谁什怎几某每各们到去来要会能可说看想做只才先已从以为其此些里一二两三四五六七八九十百千万亿零〇第"
    "点分秒块个所之被将比叫用对向过请上下多少好大小挺够靠按等使于由当并且如次完吧"
)
"""Particles, pronouns, numbers and the verbs that are said of everything."""

_FIRST_ALL_THE_SAME = """
会员 会计 会话 会签 能力 能源 能耗 能效 可靠 用户 用例 用途 用量 要点 要素 对象 对账 对手 对话
对接 对比 向量 过拟合 过滤 过敏 过载 过户 来源 到货 看板 说明 上线 上市 上游 下载 下游 下单 日志
分布 分支 分类 分销 分包 分区 分红 分层 分词 分子 分店 分期 个税 个性 多媒体 多线程 大纲 大赛 大屏
大客户 大数据 小程序 小组 小区 小学 大学 好评 等级 使用 所得 如实 比例 比赛 比价 由来 当地 次品 完整
点位 点击 点评 地址 地图 地铁 地区 地产 地推 得分 给排水 就业 就诊 再生 最优 不良 没收 有机 有限
在线 在职 被告 让利 和解 与会 及格 第三方 三方 一体 二维 二手 两化 四季 五险 千兆 万能 百科
零售 零件 零部件 块状 将来 叫号 并购 并发 并行
"""
FIRST_ALL_THE_SAME = frozenset(_FIRST_ALL_THE_SAME.split())
"""Beginnings of terms with such a character all the same."""

NOT_LAST = frozenset(
    "的地得了着过吗呢吧啊呀么嘛哦嗯哎诶呃哈们个是有在把被给让跟和与或及而但也都就还又再很太更最不没别我你他她它咱"
    "您这那哪谁什怎几某每各到去来要会能可说看想做只才先已从以为些里上下前后时内完掉好住多少大小一二两三四五六七八"
    "九十百千万亿零〇第点秒块年月日号所之将比叫对向请才如由于当并且次种位件台条"
)

_LAST_ALL_THE_SAME = """
展会 例会 周会 晨会 年会 早会 晚会 大会 工会 学会 协会 社会 机会 商会 董事会 委员会 座谈会
研讨会 发布会 听证会 运动会 家长会 招聘会 推介会 性能 功能 智能 产能 节能 职能 技能 光能 太阳能
储能 纪要 摘要 概要 需要 行为 小说 未来 原来 网上 线上 线下 地下 爱好 利好 部位 岗位 单位 学位
车位 工位 床位 机位 品种 文件 邮件 软件 硬件 零件 组件 插件 附件 事件 条件 案件 配件 构件 平台
后台 前台 中台 吧台 机台 面条 账号 信号 型号 编号 工号 挂号 学年 目的 标的 对比 占比 环比 同比
面向 方向 意向 取向 缺点 重点 热点 痛点 特点 节点 试点 地点 网点 站点 景点 档次 批次 层次 班次
车次 场次 大小 目的地 基地 工地 场地 土地 用地 心得 所得 经过 区块 模块
板块 地块 程序 自由 理由 用户群 人民币 个人 售后 售前 事后 课时 工时 实时 学时 临时 校内
市内
"""
LAST_ALL_THE_SAME = frozenset(_LAST_ALL_THE_SAME.split())
"""Ends of terms with such a character all the same."""

BEFORE_VERBS = frozenset("不没别能要去来再先都还就也想被已正才会")
"""Said before what somebody does, and seldom before what something is called."""

COUNTING = frozenset("一二两三四五六七八九十百千万亿零〇第这那每各几某多半哪数")
CLASSIFIERS = frozenset("件位台条项种份家张次批座辆间部层号颗户名套期届轮门页章节期组")
"""Characters that end a count after one of COUNTING: 三家 公司, and yet 家长."""

AFTER_VERBS = frozenset("了过着完得好到给出掉")

_ENGLISH = """
a an the and that this with for you are was have has had not but they what can will our from
about there just like okay yeah then them its also which would could should been were when your
all one out get got let now how who why is it he she we me my him her his their us i to of in on
at by as so or if do does did be am no yes than too very some any each every these those here
where because while until after before into over under off up down again more most much many few
little less other others another same such only own both either neither once ever never always
often usually sometimes really actually basically probably maybe perhaps kind kinds sort mean
means meant think thinks thought know knows knew want wants wanted need needs needed say says
said tell told make makes made making take takes took taken taking give gives gave given going
goes gone come comes came coming look looks looking see seen saw find found keep keeps put puts
use uses used using try tries tried work works working worked well good great bad better best
fine sure right alright thing things something anything nothing everything people person
somebody someone everybody everyone guy guys lot lots bit way ways time times day days week
weeks month months year years today tomorrow yesterday morning afternoon evening night monday
tuesday wednesday thursday friday saturday sunday january february march april may june july
august september october november december next last first second third fourth final percent
zero two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty
hundred thousand million half please thanks thank hello hi bye talk talking talked discuss
discussed question questions point points problem problems issue issues matter matters stuff
part parts item items number numbers already still yet even though although however since
without within between through during against around per via back long short big small new old
high low early late soon ago able happen happens happened start started starts begin end ends
move moved moves ask asked asks show shows send sent write written read call called help helps
let's don't doesn't didn't isn't aren't wasn't can't won't i'm i'll i've we're we'll we've
you're it's that's there's they're shall might must quite rather enough almost ahead else
whether feel feels seem seems add added change changed set uh um hmm oh ah er eh meeting agenda
everyone's anyway
"""
ENGLISH = frozenset(_ENGLISH.split())
"""Words of English that name no matter; small letters."""

"""Function words and common words that decide where a subtitle's line may end.

They stand in for a segmentation of Chinese into words.
"""

from __future__ import annotations

NOT_AT_LINE_START = frozenset("的地得了着过们吗呢吧啊呀么")
"""Particles that never begin a line: they belong to the word before."""

NOT_AT_LINE_END = frozenset("第不很最更太把被给对从向这那每各我你他她它是有")
"""Words that should not end a line: they belong to the word after."""

CLAUSE_STARTERS = frozenset("但而所因如然并或和与以再先就也都还却才")
"""Conjunctions and adverbs that usually begin a clause."""

_COMMON_WORDS = """
我们 你们 他们 她们 它们 咱们 大家 人家 自己 别人 这个 那个 这些 那些 这样 那样
这么 那么 这里 那里 这边 那边 哪里 哪个 什么 怎么 怎样 为什 多少 几个 一个 一些
一下 一点 一样 一起 一直 一定 一般 一种 一遍 一次 可以 可能 能够 应该 需要 必须
想要 愿意 希望 觉得 认为 知道 了解 发现 看到 听到 感觉 没有 不是 不能 不要 不会
不用 不过 不同 不够 还有 还是 就是 只是 只有 只要 但是 可是 而且 而是 或者 因为
所以 如果 虽然 然后 然而 因此 于是 比如 例如 其实 其他 其中 另外 同时 首先 最后
最近 最好 时候 时间 现在 以前 以后 之前 之后 今天 明天 昨天 今年 明年 去年 上午
下午 晚上 星期 已经 正在 刚才 马上 经常 非常 特别 比较 更加 完全 基本 大概 差不
左右 问题 情况 方面 部分 内容 结果 原因 方法 方式 过程 方案 计划 目标 工作 公司
项目 产品 客户 用户 团队 部门 领导 同事 老师 学生 学习 研究 开始 结束 继续 完成
进行 使用 利用 提供 支持 解决 处理 分析 讨论 会议 开会 报告 数据 系统 服务 网络
技术 模型 平台 接口 测试 开发 设计 管理 运行 部署 更新 版本 代码 文件 文档 信息
重要 重新 所有 每个 中国 社会 经济 市场 发展 世界 国家 政府 企业 教育 生活 东西
事情 意思 意见 地方 关系 关于 对于 由于 根据 按照 通过 增加 减少 提高 降低 变成
成为 作为 出来 起来 下来 下去 过来 过去 回来 进来 上来 出去 一百 许多 很多 谢谢
"""
COMMON_WORDS = frozenset(_COMMON_WORDS.split())
"""The most common words of two characters in meetings and lectures, not to be split."""

_ENGLISH_NOT_AT_LINE_END = (
    "a an the my your his her its our their of in on at to for with by from this that"
)
ENGLISH_NOT_AT_LINE_END = frozenset(_ENGLISH_NOT_AT_LINE_END.split())
"""Articles and prepositions: they belong to the word after."""

_ENGLISH_CLAUSE_STARTERS = (
    "and but or so because if when while which who that of in on at to for with by from as"
)
ENGLISH_CLAUSE_STARTERS = frozenset(_ENGLISH_CLAUSE_STARTERS.split())
"""Words that usually begin a clause."""

"""Words of the demonstration language: meeting Mandarin, and the English terms that it mixes in."""

# Words in Latin script that espeak-ng reads as words; it spells the other ones, API letter by
# letter, and so does the recogniser's vocabulary.
SPOKEN_WORDS = {"REDIS": "redis", "DOCKER": "docker", "PYTHON": "python", "LINUX": "linux"}

TERMINALS: dict[str, tuple[str, ...]] = {
    name: tuple(words.split())
    for name, words in {
        "name": "张伟 李娜 王芳 刘强 陈静 杨洋 赵磊 黄敏 周杰 吴涛 徐丽 孙鹏 马超 林峰 郭明",
        "title": "经理 总监 主任 老师 工程师 博士",
        "team": "研发部 市场部 财务部 人事部 产品组 测试组 运维组 设计组 法务部 客服团队 销售团队 "
        "算法团队",
        "sys": "数据库 服务器 前端页面 后端接口 登录模块 支付系统 搜索引擎 消息队列 缓存 "
        "日志系统 推荐算法 语音识别 权限管理 监控平台 手机应用 订单系统 API GPU REDIS CPU "
        "SDK DOCKER PYTHON LINUX",
        "doc": "合同 报告 方案 计划书 预算表 会议纪要 需求文档 测试用例 用户手册 发布说明 "
        "招聘名单 采购清单",
        "topic": "第三季度的预算 年度目标 新版本的发布 用户增长 成本控制 客户投诉 人员招聘 "
        "数据安全 合作伙伴 线上故障 性能优化 项目进度 办公室搬家 培训安排 绩效考核 "
        "海外市场",
        "act": "检查 修改 测试 部署 升级 重写 优化 备份 迁移 评估 更新 验证",
        "docact": "提交 审核 修改 整理 发送 打印 确认 签字 归档 翻译",
        "city": "北京 上海 广州 深圳 杭州 成都 武汉 南京 西安 重庆",
        "metric": "销售额 用户数 点击率 转化率 利润 成本 流量 错误率 响应时间 满意度 活跃度 收入",
        "adj": "稳定 复杂 简单 重要 紧急 困难 清楚 合理 及时 明显 危险 便宜",
        "problem": "内存不足 网络延迟 数据丢失 权限错误 磁盘空间不够 版本冲突 连接超时 编码混乱 "
        "电源故障 页面崩溃",
        "thing": "电脑 显卡 硬盘 打印机 投影仪 桌椅 会议室 软件许可",
        "part_of_day": "上午 下午 早上 晚上",
        # From here on: the words of the phrase rules. They are the templates' own words, taken out
        # of their sentences, so that the recogniser meets each beside many different neighbours.
        "person": "我 你 他 我们 你们 他们 大家 客户 同事 用户 其他人 各位 经理 工程师 老师 主任",
        "noun": "问题 方案 计划 任务 项目 会议 议题 选择 风险 错误 接口 页面 版本 故障 预算 成本 "
        "时间 报告 合同 图表 价格 费用 内存 磁盘 网络 电源 数据 权限 空间 声音 工作 目标 "
        "市场 产品 需求 文档 系统 模块 平台 团队 办公室 会议室 电脑 手机 视频 演示 意见 "
        "看法 原因 情况 效果 进展 安排 名单 地点 培训 请求 编码 引擎 队列 消息 语音 订单 "
        "用户 客户 办法 日期 内容 小时 工具 资料",
        "when": "现在 刚才 昨天 昨天晚上 今年 去年 上个月 本季度 最后 目前 接下来 以后 原来 明年 "
        "每天 每周 这次 下次",
        "modal": "要 应该 必须 可以 需要 希望 决定 准备 开始 继续 不能 不需要 不要 想 能 会",
        "adverb": "马上 尽快 提前 已经 还 都 就 再 一起 先 也 共同 准时 大概 还是 没有 还没有 不 "
        "刚 只 仅 才",
        "degree": "很 太 更 最 比较 不 这么 那么 不太",
        "quality": "高 低 多 少 大 小 好 贵 快 慢 长 新 难 稳定 复杂 简单 重要 紧急 困难 清楚 合理 "
        "及时 明显 危险 便宜 满意 顺利 不足 不够 安全 超时",
        "verb": "检查 修改 测试 部署 升级 优化 备份 评估 更新 验证 提交 审核 整理 发送 确认 翻译 "
        "讨论 介绍 处理 解决 负责 采用 采购 招聘 通知 学习 参加 影响 控制 超过 看到 听到 "
        "提出 安排 要求 推荐 完成 准备 观察 总结 选择 识别 登录 支付 搜索 管理 监控 设计 "
        "使用 了解 关注",
        "link": "但是 因为 然后 如果 所以 而且 而 或者 不过 虽然 那么 关于 首先 最后 对于 为了",
        "number": "一 二 三 四 五 六 七 八 九 十 两 百 千 万",
        "measure": "个 名 台 页 次 天 年 点 分钟 小时 星期 元 号 月 周",
        "little": "的 了 吗 是 不 就 把 给 和 在 到 从 对 比 说 有 没 请 让 去 来 用 我 你 他 这 "
        "那 这个 那个 什么 哪个 多少 为什么 什么时候 谁 都 还 也 再 又 很 太 更 最 人 事 "
        "一下 一点 之间 之前 以内 以后 部 级 机 时 做 看 听 发 开 由 被 向 等 吧",
    }.items()
}

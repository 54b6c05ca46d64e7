"""Text that describes the export of an owner's data, in both languages."""

README = """\
All that one account has on this Longscribe server
==================================================

account/       one JSON file for each kind: the account, sign-ins, API keys (what they are for, not
               the keys), recordings and jobs, lists of words, saved searches, templates, kept
               voices (their names), webhooks, groups, what others share with you, and what the
               audit log has of you, without who else acted. Times are UTC, as in ISO 8601.
               report-templates/ has the templates of reports as files.
recordings/    a folder for each recording: job.json has its history, corrections, marks, sharing
               and minutes; transcript.* the text as it stands now; recording.* the sound as it was
               submitted, if that was asked for.

Not in it: passwords, keys and other secrets, of which the server keeps hashes; voices as numbers;
and what is computed from the rest.


本服务器上一个账号的全部数据
============================

account/       每类一个 JSON 文件：账号、登录、API 密钥（仅用途，不含密钥）、录音与任务、词表、
               保存的搜索、模板、保存的声纹（仅名称）、Webhook、群组、他人与你共享的内容，以及
               审计日志中与你有关的记录（不含其他操作者的信息）。时间均为 UTC（ISO 8601）。
               report-templates/ 是纪要模板的原文件。
recordings/    每段录音一个文件夹：job.json 含历史、更正、标记、共享和纪要；transcript.* 是
               当前文字；若选择了录音，recording.* 是提交时的原始声音。

不包含：密码、密钥及其他机密（服务器只保存其哈希）；声纹数值；以及可由其他数据推算的内容。
"""

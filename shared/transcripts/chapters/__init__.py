"""Chapters: how a transcript falls into them, and where and under which titles they are proposed,
told from pauses, speakers and words alone. The same transcript always gives the same proposal.

`sections` divides a transcript at chapters, `proposal` looks where they are likely to begin,
`titles` names them by the terms that `terms` finds, and `function_words` lists what names nothing.
"""

from shared.transcripts.chapters.proposal import Chapter, propose_chapters
from shared.transcripts.chapters.sections import Section, chapter_of, sections

__all__ = ["Chapter", "Section", "chapter_of", "propose_chapters", "sections"]

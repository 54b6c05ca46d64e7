"""Voices kept under a name, and found again in other recordings of the same owner.

Biometric data: nothing of it is stored unless the owner says so (`voice_keeping`). A kept voice is
the mean of its enrolments, of which each recording gives one (`voices`).
`shared.speakers.suggestions` compares the speakers of a recording with it when somebody looks, and
nothing but a person's confirmation names anybody.
"""

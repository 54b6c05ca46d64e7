"""Minutes by a language model on a job's page, and the page of the prompts it is asked with."""

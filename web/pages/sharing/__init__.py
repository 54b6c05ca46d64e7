"""The pages about who may see a job: its owner's, its colleagues', and the one behind a link."""

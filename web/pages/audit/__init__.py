"""The page on which administrators read who did what."""

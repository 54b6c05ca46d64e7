"""Parts that make the pages an installable app: their service worker, and the page that it shows
while the server cannot be reached."""

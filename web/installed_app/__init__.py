"""What makes of the pages an app that can be installed: their service worker, and the page that it
shows while the server is not reached."""

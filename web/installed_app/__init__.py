"""What makes of the pages an app that can be installed: their service worker."""

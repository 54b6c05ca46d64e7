"""Telling people by mail and in browsers, in the threads of `worker.webhooks.delivery_threads`."""

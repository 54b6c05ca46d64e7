"""deploy/helm/longscribe, linted and rendered by Helm itself: `make helm-chart`."""

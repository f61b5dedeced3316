"""Who has access: credentials, hosts, origins, proxies, limits."""

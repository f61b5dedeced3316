"""The state that readers of updates have, and what brings them to the newest one."""

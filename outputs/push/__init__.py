"""What is encoded is sent to another machine, that shows it by ``push:``, ``tcp:`` or ``udp:``."""

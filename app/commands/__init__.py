"""What webcapd does beside serving: for each command its options, and what it does."""

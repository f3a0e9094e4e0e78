"""What a load test is made of, apart from its users: shapes, thresholds, what was reached."""

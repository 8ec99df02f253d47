"""What differs between the settings: users with ratings, scenarios with clicks."""

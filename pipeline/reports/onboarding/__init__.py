"""The page of onboarding, its figures and its words."""

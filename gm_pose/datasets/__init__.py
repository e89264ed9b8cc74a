"""Data that the project makes itself: `synthetic_people` renders the embedded dataset."""

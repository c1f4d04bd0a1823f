"""Predictions of single images as text, JSON and CSV."""

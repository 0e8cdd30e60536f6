"""Importing this module is what a hostile file asks for."""

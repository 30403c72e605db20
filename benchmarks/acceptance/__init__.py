"""What an issue asks for, as one command: ``make accept-…`` prints every target with what was measured."""

"""What runs inside Triton's Python backend: one thin module a kind of model, over an oviton engine."""

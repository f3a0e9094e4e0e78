"""What a person sees of a run: live progress, and the summary at its end."""

"""What a person sees while a run goes on: a view of the event stream, on stderr, never in the way of the answer."""

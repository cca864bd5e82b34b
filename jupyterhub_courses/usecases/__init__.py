"""One module a story. Stories know the outside world by Protocols only; the edges hand them real adapters."""

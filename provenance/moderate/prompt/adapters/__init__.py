"""Other people's classifiers of prompts: a service, a local network, a function."""

"""The web page where anybody can have a file examined. It loads nothing from elsewhere."""

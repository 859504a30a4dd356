"""The marts as readers get them: what may be published, and the files that it is published as."""

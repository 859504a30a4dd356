"""What an installation deletes: files of the lake that nothing needs, and prompts that are past their date."""

"""The `holdfast` command: what a person does with Holdfast modules from a PC."""

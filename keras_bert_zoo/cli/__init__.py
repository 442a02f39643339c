"""The command line `bert-zoo`: the only part that prints.

Each file in `verbs` is a verb with `add_arguments(parser)` and
`run(args) -> int`, and imports TensorFlow only inside of `run`.
"""

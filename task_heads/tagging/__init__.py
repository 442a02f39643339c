"""Tags on words: entities, parts of speech, chunks, slots."""

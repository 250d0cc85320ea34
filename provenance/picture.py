"""`Picture`: pixels on their way through the pipeline. `Asset`: the finished, signed bytes.

The two types hold the order of the pipeline: steps before signing map `Picture` to `Picture`,
`sign` returns an `Asset`, and nothing that alters pixels takes an `Asset`.
"""

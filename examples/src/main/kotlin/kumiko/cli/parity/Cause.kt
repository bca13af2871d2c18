package kumiko.cli.parity

/** What two implementations of one architecture disagree about most often. */
internal enum class Cause(val label: String) {
    ROTARY_PAIRING("rotary pairing"),
    ROTARY_BASE("rotary base"),
    ROTARY_SHARE("share of the head that is turned"),
    QKV_LAYOUT("layout of query, key and value in one tensor"),
    HEAD_ORDER("order of the heads"),
    ACTIVATION("activation"),
    NORM_EPSILON("norm epsilon"),
    NORM_OFFSET("norm offset"),
    BIAS("bias"),
    TIED_HEAD("tied head"),
    MASK("mask off by one"),
    ALPHA("alpha on the wrong operand"),
    WIRING("residual wiring"),
    SCALE("scale of the scores"),
    SHARDS("shard axis"),
    TRANSPOSED("transposed matrix"),
}

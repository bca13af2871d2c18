@file:JvmName("PositionNumbers")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Positions

/** How the position numbers of a sequence follow from its tokens. */
@Serializable
public sealed interface PositionIds

/** 0, 1, 2, ... */
@Serializable
@SerialName("sequential")
public data object SequentialPositions : PositionIds

/**
 * GLM's positions: with c the index of the token [start], the position is the index before c and the index of the blank from c on
 * ([generation] where the prompt has it, else [blank]); the block position is 0 before c and 1, 2, ... from c on. Du et al. 2022,
 * arXiv:2103.10360, section 2.1; THUDM/chatglm-6b, modeling_chatglm.py, get_position_ids.
 */
@Serializable
@SerialName("blocks")
public data class BlockPositions(public val blank: Int, public val generation: Int, public val start: Int) : PositionIds

public fun blockPositions(blank: Int, generation: Int, start: Int): PositionIds = BlockPositions(blank, generation, start)

internal fun PositionIds.runtime(): Positions = when (this) {
    is SequentialPositions -> Positions.Sequential()
    is BlockPositions -> Positions.Blocks(blank, generation, start)
}

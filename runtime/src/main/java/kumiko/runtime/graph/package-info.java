/**
 * What a model computes, as a value: SSA nodes over a small vocabulary of pure operations.
 *
 * <p>Shape glossary, used in comments and prints of the whole runtime:
 *
 * <ul>
 *   <li>{@code seq}: rows of one call, the new positions of all its sequences one after another
 *   <li>{@code past}: positions already in the key/value cache of a sequence
 *   <li>{@code keys}: past + new positions of a sequence
 *   <li>{@code vocab}, {@code embed}, {@code hidden}: vocabulary, residual stream and feed-forward width
 *   <li>{@code heads}, {@code kvHeads}, {@code headDim}: query heads, key/value heads, width of one head
 * </ul>
 */
package kumiko.runtime.graph;

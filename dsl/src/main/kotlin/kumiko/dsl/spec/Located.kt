package kumiko.dsl.spec

/** A layer and its canonical name, `blocks.3.attention`. */
internal data class Located(val layer: Layer, val address: String)

/** This layer, standing at [address], and every layer inside it; paths themselves are left out, their layers are there. */
internal fun Layer.located(address: String, merged: Boolean): List<Located> = asPath().let { path ->
    path.layers.zip(path.addresses(address, merged)).flatMap { (layer, at) ->
        if (layer is Path) {
            layer.located(at, merged = true)
        } else {
            listOf(Located(layer, at)) + layer.paths.flatMap { it.located(join(at, it.label), merged = true) }
        }
    }
}

/** This layer and every layer inside it, without names. */
internal fun Layer.layersInside(): List<Layer> = located("", merged = false).map { it.layer }

package kumiko.runtime.checkpoint

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.long
import io.kotest.property.checkAll
import java.util.zip.CRC32

class ZeroBodySpec : FunSpec({
    test("the checksum of zeros is the checksum of as many zero bytes") {
        checkAll(Arb.long(0L..70_000L)) { count ->
            ZeroBody(count).crc() shouldBe CRC32().also { it.update(ByteArray(count.toInt())) }.value
        }
    }
})

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.util.HexFormat;
import org.apache.kafka.common.message.ApiMessageType;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

/** Reads each message with Kafka's own codec, refuses bytes left over, and prints what Kafka writes for it. */
public final class Golden {
    public static void main(String[] arguments) throws Exception {
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            String[] words = line.split(" ");
            ApiMessageType type = ApiMessageType.fromApiKey(Short.parseShort(words[0]));
            ApiMessage message = words[1].equals("request") ? type.newRequest() : type.newResponse();
            short version = Short.parseShort(words[2]);
            ByteBuffer body = ByteBuffer.wrap(HexFormat.of().parseHex(words[3].equals("-") ? "" : words[3]));
            message.read(new ByteBufferAccessor(body), version);
            if (body.hasRemaining()) {
                throw new IllegalStateException(line + ": " + body.remaining() + " bytes left over");
            }
            ByteBuffer written = MessageUtil.toByteBufferAccessor(message, version).buffer();
            byte[] bytes = new byte[written.remaining()];
            written.get(bytes);
            String hex = bytes.length == 0 ? "-" : HexFormat.of().formatHex(bytes);
            System.out.println(words[0] + " " + words[1] + " " + version + " " + hex);
        }
    }
}

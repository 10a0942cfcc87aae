import static java.lang.foreign.ValueLayout.*;

import java.lang.foreign.*;
import java.lang.invoke.MethodHandle;

class Call {
    static final OfLong HANDLE = JAVA_LONG;     // kal_client, kal_result, kal_error: 64-bit integers
    static final long MESSAGE = 24;             // its offset in kal_error_info
    static final SymbolLookup KAL = SymbolLookup.libraryLookup("libkaleidoscope.so.0", Arena.global());

    static MethodHandle function(String name, MemoryLayout result, MemoryLayout... parameters) {
        var type = result == null ? FunctionDescriptor.ofVoid(parameters) : FunctionDescriptor.of(result, parameters);
        return Linker.nativeLinker().downcallHandle(KAL.find(name).orElseThrow(), type);
    }

    static String text(MemorySegment start) {
        return start.reinterpret(Long.MAX_VALUE).getString(0);
    }

    public static void main(String[] args) throws Throwable {
        var open = function("kal_client_open", JAVA_INT, ADDRESS, ADDRESS, ADDRESS);
        var call = function("kal_call", JAVA_INT, HANDLE, ADDRESS, ADDRESS, ADDRESS, ADDRESS, ADDRESS);
        var json = function("kal_result_json", ADDRESS, HANDLE, ADDRESS);
        var info = function("kal_error_get", ADDRESS, HANDLE);
        var free = function("kal_result_free", null, HANDLE);
        var close = function("kal_client_close", null, HANDLE);
        try (var arena = Arena.ofConfined()) {
            MemorySegment client = arena.allocate(HANDLE), result = arena.allocate(HANDLE), error = arena.allocate(HANDLE);
            var method = arena.allocateFrom(args[0]);
            var parameters = arena.allocateFrom(args.length > 1 ? args[1] : "{}");
            if ((int) open.invoke(MemorySegment.NULL, client, error) != 0
                    || (int) call.invoke(client.get(HANDLE, 0), method, parameters, MemorySegment.NULL, result, error) != 0) {
                var known = ((MemorySegment) info.invoke(error.get(HANDLE, 0))).reinterpret(MESSAGE + ADDRESS.byteSize());
                System.err.println(text(known.get(ADDRESS, MESSAGE)));
                System.exit(1);
            }
            System.out.println(text((MemorySegment) json.invoke(result.get(HANDLE, 0), MemorySegment.NULL)));
            free.invoke(result.get(HANDLE, 0));
            close.invoke(client.get(HANDLE, 0));
        }
    }
}

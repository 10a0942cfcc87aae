using System;
using System.Runtime.InteropServices;

struct ErrorInfo        // the leading fields of kal_error_info
{
    public int Status, HttpStatus, Attempts;
    public byte Retryable;
    public long RetryAfterMs;
    public IntPtr Message;
}

static class Call
{
    const string Kal = "libkaleidoscope.so.0";
    // Handles are 64-bit integers.
    [DllImport(Kal)] static extern int kal_client_open(IntPtr options, out ulong client, out ulong error);
    [DllImport(Kal)] static extern int kal_call(ulong client, [MarshalAs(UnmanagedType.LPUTF8Str)] string method,
        [MarshalAs(UnmanagedType.LPUTF8Str)] string parameters, IntPtr options, out ulong result, out ulong error);
    [DllImport(Kal)] static extern IntPtr kal_result_json(ulong result, IntPtr size);
    [DllImport(Kal)] static extern IntPtr kal_error_get(ulong error);
    [DllImport(Kal)] static extern void kal_result_free(ulong result);
    [DllImport(Kal)] static extern void kal_client_close(ulong client);

    static int Main(string[] args)
    {
        ulong client, error, result = 0;
        if (kal_client_open(IntPtr.Zero, out client, out error) != 0 ||
            kal_call(client, args[0], args.Length > 1 ? args[1] : null, IntPtr.Zero, out result, out error) != 0)
        {
            var info = Marshal.PtrToStructure<ErrorInfo>(kal_error_get(error));
            Console.Error.WriteLine(Marshal.PtrToStringUTF8(info.Message));
            return 1;
        }
        Console.WriteLine(Marshal.PtrToStringUTF8(kal_result_json(result, IntPtr.Zero)));
        kal_result_free(result);
        kal_client_close(client);
        return 0;
    }
}

// Calls the library of the NuGet package by the name that its README says.
using System;
using System.Runtime.InteropServices;

static class Version
{
    [DllImport("kaleidoscope")] static extern IntPtr kal_version();

    static void Main()
    {
        Console.WriteLine(Marshal.PtrToStringAnsi(kal_version()));
    }
}

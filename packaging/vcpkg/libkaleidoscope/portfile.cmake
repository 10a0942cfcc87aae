# Downloads what the project released, because vcpkg has no Rust to build it with.
if(VCPKG_TARGET_IS_WINDOWS)
    set(system windows)
elseif(VCPKG_TARGET_IS_OSX)
    set(system macos)
elseif(EXISTS "/etc/alpine-release" AND NOT VCPKG_CROSSCOMPILING)
    set(system linux-musl)
else()
    set(system linux)
endif()
if(VCPKG_TARGET_ARCHITECTURE STREQUAL "arm64")
    set(platform ${system}-aarch64)
else()
    set(platform ${system}-x86_64)
endif()
# The archive for Windows is one of MinGW: MSVC cannot link with it.
if(VCPKG_TARGET_IS_WINDOWS AND NOT VCPKG_TARGET_IS_MINGW)
    vcpkg_check_linkage(ONLY_DYNAMIC_LIBRARY)
endif()

#each *
set(archive_@PLATFORM@ @ARCHIVE@)
set(sha512_@PLATFORM@ @SHA512@)
#end
if(NOT DEFINED archive_${platform})
    message(FATAL_ERROR "libkaleidoscope @VERSION@ was not released for ${platform}")
endif()
vcpkg_download_distfile(archive
    URLS "@URL@/${archive_${platform}}"
    FILENAME "${archive_${platform}}"
    SHA512 ${sha512_${platform}})
vcpkg_extract_source_archive(source ARCHIVE "${archive}")

file(INSTALL "${source}/include/" DESTINATION "${CURRENT_PACKAGES_DIR}/include")
if(VCPKG_LIBRARY_LINKAGE STREQUAL "static")
    set(kaleidoscope_target Kaleidoscope::static)
    file(GLOB libraries "${source}/lib/libkaleidoscope.a")
else()
    set(kaleidoscope_target Kaleidoscope::kaleidoscope)
    file(GLOB libraries "${source}/lib/libkaleidoscope.so*" "${source}/lib/*.dylib" "${source}/lib/*.lib" "${source}/lib/*.dll.a")
    file(GLOB programs "${source}/bin/*.dll")
endif()
# One build for both configurations: C has no debug ABI.
set(configurations "")
if(NOT DEFINED VCPKG_BUILD_TYPE OR VCPKG_BUILD_TYPE STREQUAL "release")
    list(APPEND configurations "${CURRENT_PACKAGES_DIR}")
endif()
if(NOT DEFINED VCPKG_BUILD_TYPE OR VCPKG_BUILD_TYPE STREQUAL "debug")
    list(APPEND configurations "${CURRENT_PACKAGES_DIR}/debug")
endif()
foreach(prefix IN LISTS configurations)
    file(INSTALL ${libraries} DESTINATION "${prefix}/lib")
    if(programs)
        file(INSTALL ${programs} DESTINATION "${prefix}/bin")
    endif()
    if(EXISTS "${source}/lib/pkgconfig/kaleidoscope.pc")
        file(READ "${source}/lib/pkgconfig/kaleidoscope.pc" text)
        if(prefix MATCHES "/debug$")
            # The headers are not below debug.
            string(REPLACE "\${prefix}/include" "\${prefix}/../include" text "${text}")
        endif()
        file(WRITE "${prefix}/lib/pkgconfig/kaleidoscope.pc" "${text}")
    endif()
endforeach()

# The CMake package finds everything relative to itself, and requires both kinds of library. vcpkg wants it in share.
string(REPLACE "Kaleidoscope::" "" required "${kaleidoscope_target}")
file(GLOB package "${source}/lib/cmake/kaleidoscope/*.cmake")
foreach(file IN LISTS package)
    file(READ "${file}" text)
    string(REPLACE "\${CMAKE_CURRENT_LIST_DIR}/" "\${CMAKE_CURRENT_LIST_DIR}/../../lib/cmake/kaleidoscope/" text "${text}")
    string(REPLACE "_kaleidoscope_required kaleidoscope static" "_kaleidoscope_required ${required}" text "${text}")
    get_filename_component(name "${file}" NAME)
    file(WRITE "${CURRENT_PACKAGES_DIR}/share/kaleidoscope/${name}" "${text}")
endforeach()

configure_file("${CMAKE_CURRENT_LIST_DIR}/usage" "${CURRENT_PACKAGES_DIR}/share/${PORT}/usage" @ONLY)
vcpkg_install_copyright(FILE_LIST "${source}/LICENSE" "${source}/LICENSE-MIT" "${source}/LICENSE-APACHE"
    "${source}/THIRD-PARTY-LICENSES.txt")

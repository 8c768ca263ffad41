// OCI image layouts: a directory with an index, manifests and blobs, all named by their digests.
//
// Whoever wrote the layout is not trusted. The documents are read whole into memory, at most 4 MiB
// each, and what is used is the copy whose digest was compared.
#ifndef AMBERFS_MKFS_OCI_LAYOUT_H_
#define AMBERFS_MKFS_OCI_LAYOUT_H_

#include <string>
#include <string_view>
#include <vector>

#include "mkfs/archive_source.h"
#include "mkfs/build_error.h"

namespace amberfs {

// Whether a source's name means one: "oci:DIRECTORY[:TAG]".
bool IsOciSource(std::string_view source);

// The layers of the image `source` means, the lowest first, with what their bytes have to be. The
// image is the one with the tag, or the only one there is; of one for several platforms, the one
// for this machine. Fails, naming the file, on what is missing, ambiguous, or not what its digest
// says.
BuildResult<std::vector<Layer>> OciLayers(std::string_view source);

}  // namespace amberfs

#endif  // AMBERFS_MKFS_OCI_LAYOUT_H_

// .npz: a zip file of .npy files. Sizes and checksums are those of the zip file's central
// directory; the local headers of NumPy's files do not have them. libzip unpacks and checks; how
// much may come out is decided here: what a member says, and not a byte more.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <system_error>
#include <utility>

#include "fovea/io/error.hpp"
#include "fovea/io/npy.hpp"
#include "io/npy_header.hpp"
#include "io/path.hpp"

namespace fovea { inline namespace FOVEA_PRECISION {

namespace {

constexpr zip_uint64_t largest_member =
    zip_uint64_t(1) << 60;  // beyond any array, and four times as much is still a number
constexpr zip_uint64_t smallest_zip = 22;  // no members: the end record alone

struct Member {
  zip_uint64_t number;
  Index size, packed_size;
  bool is_packed;
};

// libzip's error as ours: the system's where there is one, otherwise the file is at fault.
[[noreturn]] void fail(const std::string& file, Index position, const std::string& action,
                       zip_error_t* error) {
  if (zip_error_system_type(error) == ZIP_ET_SYS && zip_error_code_system(error) != 0)
    throw IoError(file, action, zip_error_code_system(error));
  throw FormatError(
      file, position,
      fmt::format("cannot {} it as a zip file: {}", action, zip_error_strerror(error)));
}

struct Discard {
  void operator()(zip_t* zip) const { zip_discard(zip); }
  void operator()(zip_file_t* member) const { zip_fclose(member); }
};
using ZipHandle = std::unique_ptr<zip_t, Discard>;
using MemberHandle = std::unique_ptr<zip_file_t, Discard>;

zip_uint64_t file_size(const std::string& path) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) throw IoError(path, "open", error.value());
  if (size < smallest_zip)
    throw FormatError(path, static_cast<Index>(size), "the file is too short for a zip file");
  return size;
}

// The mistake that is likely, told better than by libzip. What cannot be read here, open_zip
// refuses.
void refuse_npy(const std::string& path) {
  constexpr std::string_view magic = "\x93NUMPY";
  std::string begin(magic.size(), '\0');
  if (std::ifstream(path, std::ios::binary)
          .read(begin.data(), static_cast<std::streamsize>(begin.size())) &&
      begin == magic)
    throw FormatError(path, 0, "this is a .npy file; read_npy reads it");
}

ZipHandle open_zip(const std::string& path) {
  zip_error_t error;
  zip_error_init(&error);
  const std::unique_ptr<zip_error_t, void (*)(zip_error_t*)> finish(&error, zip_error_fini);
  zip_source_t* const source = zip_source_file_create(path.c_str(), 0, -1, &error);
  if (!source) fail(path, 0, "open", &error);
  ZipHandle zip(zip_open_from_source(source, ZIP_RDONLY | ZIP_CHECKCONS, &error));
  if (zip) return zip;  // which owns the source now
  zip_source_free(source);
  fail(path, 0, "open", &error);
}

zip_stat_t look_at(const std::string& path, zip_t* zip, zip_uint64_t number) {
  constexpr zip_uint64_t needed = ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE |
                                  ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  zip_stat_t status;
  if (zip_stat_index(zip, number, 0, &status) != 0) fail(path, 0, "read", zip_get_error(zip));
  if ((status.valid & needed) != needed)
    throw FormatError(path, 0,
                      fmt::format("member {} of the zip file lacks its size or name", number));
  return status;
}

// Before a byte of it is unpacked.
void check_member(const std::string& path, zip_uint64_t archive_size, const zip_stat_t& member) {
  const auto refuse = [&](const std::string& reason) {
    throw FormatError(path, 0, fmt::format("member \"{}\" {}", member.name, reason));
  };
  if (member.encryption_method != ZIP_EM_NONE) refuse("is encrypted");
  if (member.comp_method != ZIP_CM_STORE && member.comp_method != ZIP_CM_DEFLATE)
    refuse("is packed neither as stored nor as deflated");
  if (member.comp_size > archive_size)
    refuse(fmt::format("takes {} bytes of a file of {}", member.comp_size, archive_size));
  if (member.size > largest_member)
    refuse(fmt::format("unpacks to {} bytes; at most {} are read", member.size, largest_member));
  if (member.comp_method == ZIP_CM_STORE && member.size != member.comp_size)
    refuse(fmt::format("is stored in {} bytes, and says that it has {}", member.comp_size,
                       member.size));
}

// The bytes of a member, from its beginning.
class MemberFile {
 public:
  MemberFile(zip_t* zip, std::string label, const Member& member)
      : label_(std::move(label)), member_(member), file_(zip_fopen_index(zip, member.number, 0)) {
    if (!file_) fail(label_, 0, "open", zip_get_error(zip));
  }

  NumpyHeader header() { return NumpyHeader::read(label_, member_.size, reader()); }

  NumpyArray whole(Index largest_unpacked) {
    if (member_.is_packed && member_.size > largest_unpacked)
      throw FormatError(label_, 0,
                        fmt::format("{} bytes unpack to {}; at most {} are read; raise "
                                    "NumpyArchiveOptions::largest_unpacked if "
                                    "the file is to be trusted",
                                    member_.packed_size, member_.size, largest_unpacked));
    // Most numbers shrink to no less than a quarter: one block of memory is enough.
    NumpyArray array(label_, member_.size, reader(),
                     member_.is_packed ? 4 * member_.packed_size : member_.size);
    std::byte none;
    if (read_some({&none, 1}) != 0)
      throw FormatError(label_, position_,
                        "the member is longer than the zip file's directory says");
    return array;
  }

 private:
  ByteReader reader() {
    return [this](std::span<std::byte> bytes) {
      while (!bytes.empty()) {
        const std::size_t count = read_some(bytes);
        if (count == 0)
          throw FormatError(label_, position_,
                            "the member is shorter than the zip file's directory says");
        bytes = bytes.subspan(count);
        position_ += static_cast<Index>(count);
      }
    };
  }

  // At the end of the member, 0, and libzip has compared the checksum.
  std::size_t read_some(std::span<std::byte> bytes) {
    const zip_int64_t count = zip_fread(file_.get(), bytes.data(), bytes.size());
    if (count < 0) fail(label_, position_, "read", zip_file_get_error(file_.get()));
    return static_cast<std::size_t>(count);
  }

  std::string label_;
  Member member_;
  MemberHandle file_;
  Index position_ = 0;
};

}  // namespace

struct NumpyArchive::Zip {
  std::string path;
  ZipHandle handle;
  Index largest_unpacked;
  std::vector<std::string> names = {};
  std::map<std::string, Member, std::less<>> members = {};

  MemberFile open(std::string_view name) const {
    const auto found = members.find(name);
    if (found == members.end()) {
      const std::span<const std::string> first(names.data(),
                                               std::min<std::size_t>(names.size(), 10));
      if (names.empty())
        throw IndexError(fmt::format("{}: there is no array \"{}\"; there are none", path, name));
      throw IndexError(fmt::format("{}: there is no array \"{}\"; there are {}: {}{}", path, name,
                                   names.size(), fmt::join(first, ", "),
                                   first.size() < names.size() ? ", ..." : ""));
    }
    return MemberFile(handle.get(), fmt::format("{}/{}.npy", path, name), found->second);
  }
};

NumpyArchive::NumpyArchive(const std::string& path, const NumpyArchiveOptions& options) {
  if (options.largest_unpacked < 0)
    throw ValueError(
        fmt::format("NumpyArchive: largest_unpacked is {} bytes; it must be at least 0",
                    options.largest_unpacked));
  const zip_uint64_t archive_size = file_size(io::checked_path("NumpyArchive", path));
  refuse_npy(path);
  zip_ = std::make_unique<Zip>(Zip{path, open_zip(path), options.largest_unpacked});
  const auto count = static_cast<zip_uint64_t>(zip_get_num_entries(zip_->handle.get(), 0));
  for (zip_uint64_t number = 0; number < count; ++number) {
    const zip_stat_t member = look_at(path, zip_->handle.get(), number);
    std::string_view name = member.name;
    if (!name.ends_with(".npy")) continue;
    name.remove_suffix(4);
    check_member(path, archive_size, member);
    // libzip's consistency check finds these too; it does not promise to.
    const Member found = {number, static_cast<Index>(member.size),
                          static_cast<Index>(member.comp_size), member.comp_method != ZIP_CM_STORE};
    if (!zip_->members.emplace(name, found).second)
      throw FormatError(path, 0, fmt::format("the zip file has two members \"{}\"", member.name));
    zip_->names.emplace_back(name);
  }
}

NumpyArchive::NumpyArchive(NumpyArchive&& other) noexcept = default;
NumpyArchive& NumpyArchive::operator=(NumpyArchive&& other) noexcept = default;
NumpyArchive::~NumpyArchive() = default;

NumpyArchive::Zip& NumpyArchive::zip() const {
  if (!zip_) throw StateError("NumpyArchive: it was moved from; ask the one that it was moved to");
  return *zip_;
}

const std::vector<std::string>& NumpyArchive::names() const& { return zip().names; }
bool NumpyArchive::contains(std::string_view name) const { return zip().members.contains(name); }
Shape NumpyArchive::shape(std::string_view name) const { return zip().open(name).header().shape; }
NumpyArray NumpyArchive::numpy(std::string_view name) const {
  return zip().open(name).whole(zip().largest_unpacked);
}

}}  // namespace fovea

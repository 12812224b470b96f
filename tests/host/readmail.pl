#!/usr/bin/perl
# readmail.pl - a second reader of MIME: what Perl's MIME-tools make of a
# message. For each file named on standard input one line of JSON: subject,
# from, to, and the leaves with type, name, id and the SHA-256 of the bytes.
use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use Encode qw(decode encode);
use JSON::PP;
use MIME::Parser;

sub words {
    my ($head, $name) = @_;
    my $value = $head->get($name, 0);
    return undef unless defined $value;
    chomp $value;
    $value =~ s/\r?\n(?=[ \t])//g;
    return decode('MIME-Header', $value);
}

sub leaves {
    my ($entity, $list) = @_;
    my @parts = $entity->parts;
    if (@parts) {
        leaves($_, $list) for @parts;
        return;
    }
    my $body = $entity->bodyhandle;
    my $name = $entity->head->recommended_filename;
    my $bytes = defined $body ? $body->as_string : '';
    my $id = $entity->head->get('Content-ID', 0);
    chomp $id if defined $id;
    # a name in RFC 2231 comes as a word with its charset, or as bytes
    $name = decode('MIME-Header', $name) if defined $name && $name =~ /^=\?/;
    $name = decode('UTF-8', $name) if defined $name && !utf8::is_utf8($name);
    # whose line ends are whose is told apart by the other reader
    $bytes =~ s/\r//g if $entity->effective_type =~ m{^text/} &&
        !defined $name;
    push @$list, { type => $entity->effective_type, name => $name, id => $id,
                   sha => sha256_hex($bytes) };
}

my $json = JSON::PP->new->canonical->utf8;
while (my $path = <STDIN>) {
    chomp $path;
    my $parser = MIME::Parser->new;
    $parser->output_to_core(1);
    $parser->tmp_to_core(1);
    $parser->decode_headers(0);
    my $entity = $parser->parse_open($path);
    my @list;
    leaves($entity, \@list);
    print $json->encode({ subject => words($entity->head, 'Subject'),
                          from => words($entity->head, 'From'),
                          parts => \@list }), "\n";
}

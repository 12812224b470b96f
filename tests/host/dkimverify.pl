#!/usr/bin/perl
# dkimverify.pl RECORD - Mail::DKIM's verdict on each message named on
# standard input, one line each. RECORD: the TXT record's text.
use strict;
use warnings;
use Mail::DKIM::PublicKey;
use Mail::DKIM::Verifier;

my $record = shift @ARGV;
{
    no warnings 'redefine';
    *Mail::DKIM::PublicKey::fetch = sub {
        my ($class) = @_;
        return $class->parse($record);
    };
    *Mail::DKIM::PublicKey::fetch_async = sub {
        my ($class, %prms) = @_;
        my $key = $class->parse($record);
        return sub { $prms{Callbacks}{Success}->($key) if
            $prms{Callbacks}{Success}; return $key };
    };
}
while (my $path = <STDIN>) {
    chomp $path;
    my $dkim = Mail::DKIM::Verifier->new;
    open my $f, '<:raw', $path or die "$path: $!";
    $dkim->load($f);
    print $dkim->result eq 'pass' ? 'good' : 'bad: ' . $dkim->result_detail,
        "\n";
}

<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\Attributes\DataProvider;
use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Answer;

class AnswerTest extends TestCase
{
    /**
     * @return array<string, array{int, string, string}>
     */
    public static function answers(): array
    {
        $cases = ['200' => Answer::SENT];
        $cases += array_fill_keys([400, 413, 422], Answer::REFUSED);
        $cases += array_fill_keys([401, 403, 404, 405, 410], Answer::UNKNOWN);
        $cases += array_fill_keys([0, 201, 204, 301, 302, 307, 408, 409, 418, 425, 429, 500, 502, 503, 504, 520], Answer::LATER);
        $told = [];
        foreach ($cases as $status => $want) {
            $told['status ' . $status] = [(int) $status, '', $want];
        }
        return $told + [
            'clock' => [401, 'webhook-timestamp', Answer::CLOCK],
            'a copy' => [403, 'site', Answer::ANOTHER_SITE],
            'another field' => [401, 'webhook-signature', Answer::UNKNOWN],
        ];
    }

    /**
     * @dataProvider answers
     * @param int $status
     * @param string $field
     * @param string $want
     */
    #[DataProvider('answers')]
    public function testDecide(int $status, string $field, string $want): void
    {
        self::assertSame($want, Answer::decide($status, $field));
    }

    public function testSentence(): void
    {
        self::assertSame('422: site: the field is missing', Answer::sentence(422, " site:\n the field is missing "));
        self::assertSame('no answer: timed out', Answer::sentence(0, 'timed out'));
        self::assertSame('502', Answer::sentence(502, ''));
        self::assertSame('500: oh no', Answer::sentence(500, '<b>oh</b> no'));
        self::assertSame('500: ?', Answer::sentence(500, "\xff"));
    }

    public function testSentenceIsCutBeforeACharacter(): void
    {
        for ($i = 0; $i < 4; $i++) {
            $text = Answer::sentence(500, str_repeat('x', $i) . str_repeat('€', 200));
            self::assertLessThanOrEqual(240, strlen($text));
            self::assertSame(1, preg_match('//u', $text), 'the text is UTF-8 still');
        }
    }
}

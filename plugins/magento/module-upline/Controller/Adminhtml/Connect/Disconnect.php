<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Connect;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Upline\Commission\Model\Connector;

/**
 * Takes the connection back.
 */
class Disconnect extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::config';

    /**
     * @param Action\Context $context
     * @param Connector $connector
     */
    public function __construct(Action\Context $context, private readonly Connector $connector)
    {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $told = $this->connector->end(max(0, (int) $this->getRequest()->getParam('website')));
        return $this->resultFactory->create(ResultFactory::TYPE_JSON)->setData([
            'ok' => true,
            'message' => (string) ($told
                ? __('Disconnected. Orders that were told stay at Upline.')
                : __('Disconnected here. The server could not be told: disconnect the store at Upline too.')),
        ]);
    }
}

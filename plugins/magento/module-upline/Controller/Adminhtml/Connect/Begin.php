<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Connect;

use Magento\Backend\App\Action;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Magento\Framework\Exception\LocalizedException;
use Upline\Commission\Model\Connector;

/**
 * Connect was pressed. The form key is checked by the admin's own router.
 */
class Begin extends Action implements HttpPostActionInterface
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
        $request = $this->getRequest();
        $answer = ['ok' => true, 'message' => (string) __('The server was asked. This takes some seconds.')];
        try {
            $this->connector->begin(
                (string) $request->getParam('server'),
                (string) $request->getParam('code'),
                max(0, (int) $request->getParam('website'))
            );
        } catch (LocalizedException $fault) {
            $answer = ['ok' => false, 'message' => $fault->getMessage()];
        }
        return $this->resultFactory->create(ResultFactory::TYPE_JSON)->setData($answer);
    }
}
